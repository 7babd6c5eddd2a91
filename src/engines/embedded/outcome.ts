import type { Published } from '../../core/engine.ts'

/** What came of a publish, and what is to be carried if there is something new. */
export interface Outcome {
  published: Published
  message?: Buffer
}
