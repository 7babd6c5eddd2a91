import type { Figure } from './figures/figure.ts'

/** How much is measured: `tiny` only shows that it works. */
export type Scale = 'full' | 'quick' | 'tiny'

/** A bench of its own: what it compares runs side by side, in turn, in the same run. */
export interface Part {
  /** As it is named on the command line. */
  readonly name: string
  /** In a line. */
  readonly about: string
  /** Resolves to its figures and to how much was measured. Whatever it starts has ended then. `rounds` counts instead of those of the scale. */
  run(scale: Scale, rounds?: number): Promise<Measurements>
}

/** What a part came to. */
export interface Measurements {
  figures: Figure[]
  /** Rounds, posts and so on. */
  sizes: Readonly<Record<string, number>>
}

/** A part from what it measures at each scale. */
export function part<Sizes extends Record<string, number> & { rounds: number }>(
  name: string,
  about: string,
  sizes: Record<Scale, Sizes>,
  measure: (sizes: Sizes) => Promise<Figure[]>,
): Part {
  return {
    name,
    about,
    async run(scale, rounds) {
      const wanted = rounds === undefined ? sizes[scale] : { ...sizes[scale], rounds }
      return { figures: await measure(wanted), sizes: wanted }
    },
  }
}
