export { conformsTo, type Subject } from './conforms-to.js';
