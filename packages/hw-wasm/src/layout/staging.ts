/** Pixels of each colour that a module's `interleave` finds at most: its planes lie so many floats apart. */
export const STAGED_PIXELS = 1024;

/** Bytes of the three planes. */
export const STAGED_BYTES = 3 * 4 * STAGED_PIXELS;
