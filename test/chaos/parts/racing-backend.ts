import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from './lane.ts'

/** Attempts that race for each key, keys that are under way at once, and milliseconds before the next race. */
const ATTEMPTS = 5
const KEYS = 20
const PAUSE = 50

/** A backend that posts every notification several times at once with one key, again and again until an attempt is answered with 201. */
export class RacingBackend {
  /** The names of the notifications that were taken. */
  readonly taken: string[] = []
  /** Number of attempts that were answered with each status; 0 stands for none. */
  readonly statuses: Record<number, number> = {}
  /** Number of answers that said `Idempotent-Replayed`. */
  replayed = 0
  /** Names that were answered with more than one position in the log. */
  readonly ambiguous: string[] = []
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** Notifies the users in turn, at least so many times in all and until that is enough; resolves when everything has been taken. */
  async post(users: readonly string[], least: number, isEnough: () => boolean): Promise<void> {
    let next = 0
    const postOneByOne = async (): Promise<void> => {
      while (next < least || !isEnough()) {
        const number = next++
        await this.#race(users[number % users.length]!, `n${number}`)
      }
    }
    await Promise.all(Array.from({ length: KEYS }, postOneByOne))
  }

  async #race(user: string, name: string): Promise<void> {
    for (;;) {
      const answers = await Promise.all(Array.from({ length: ATTEMPTS }, () => this.#attempt(user, name)))
      const positions = new Set(answers.filter((position) => position !== undefined))
      if (positions.size > 1) this.ambiguous.push(name)
      if (positions.size > 0) break
      await delay(PAUSE)
    }
    this.taken.push(name)
  }

  /** Resolves with the id and the position in the log that it was answered with, if it was. */
  async #attempt(user: string, name: string): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.#api.url}/notify/${user}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#api.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': name,
        },
        body: JSON.stringify({ data: name }),
      })
      const text = await response.text()
      this.#count(response.status)
      if (response.status !== 201) return undefined
      if (response.headers.has('idempotent-replayed')) this.replayed++
      const { id, seq, epoch } = JSON.parse(text)
      return `${id} ${seq} ${epoch}`
    } catch {
      this.#count(0)
      return undefined
    }
  }

  #count(status: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1
  }
}
