import type { Published } from '../../core/engine/engine.ts'

/** What came of a publish, and what is to be carried in this order. */
export interface Outcome {
  published: Published
  messages: readonly Buffer[]
}
