/** Whether the scenarios are to run in their full size, which takes minutes: `CHAOS=full`. */
export const full = process.env.CHAOS === 'full'
