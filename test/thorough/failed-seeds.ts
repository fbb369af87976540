/** Seeds that broke something once; the thorough suite runs them for ever after. Add the one that a red run names. */
export const FAILED_SEEDS = {
  simulation: [164, 229, 697, 778, 57882394, 74594080, 746154854],
  fuzz: [
    { boundary: 'stream-pages', seed: 425803037 },
    { boundary: 'queue-messages', seed: 8 },
  ],
} as const
