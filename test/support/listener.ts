import type { Engine } from '../../src/core/engine/engine.ts'
import type { Channel } from '../../src/core/model/channel.ts'
import type { Publication } from '../../src/core/model/publication.ts'
import { dataOf } from './drafts.ts'

/** A publication handler that remembers what it heard. */
export class TopicRecorder {
  readonly heard: Publication[] = []
  #waiting: { count: number; resolve: () => void } | undefined

  readonly hear = (publication: Publication): void => {
    this.heard.push(publication)
    if (this.#waiting !== undefined && this.heard.length >= this.#waiting.count) this.#waiting.resolve()
  }

  /** The data of the publications. */
  get data(): unknown[] {
    return this.heard.map(dataOf)
  }

  get seqs(): number[] {
    return this.heard.map(({ seq }) => seq)
  }

  /** Resolves when it has heard so many publications. */
  async hasHeard(count: number): Promise<void> {
    if (this.heard.length >= count) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = { count, resolve }
    await promise
  }
}

/** One that hears a channel already. */
export async function recordTopic(
  { broker }: Pick<Engine, 'broker'>,
  channel: Channel,
): Promise<TopicRecorder> {
  const recorder = new TopicRecorder()
  await broker.subscribe(channel, recorder.hear)
  return recorder
}
