import { Scheduler } from '@regrain/core-ir';
import { conformsTo } from '@regrain/testkit/conformance';
import { CriticalPathScheduler } from './critical-path.js';
import { LocalityScheduler, localityOptions } from './locality.js';
import { MinPeakScheduler, minPeakOptions } from './min-peak.js';
import { ProgramOrderScheduler } from './program-order.js';

conformsTo(Scheduler, () => new ProgramOrderScheduler());
conformsTo(Scheduler, () => new CriticalPathScheduler());
conformsTo(Scheduler, () => new LocalityScheduler(localityOptions.parse({})));
conformsTo(Scheduler, () => new MinPeakScheduler(minPeakOptions.parse({})));
