import type { Channel } from '../../core/channel.ts'
import type { Counts } from '../../core/item.ts'
import type { LogState } from '../../core/position.ts'
import { decode, type Publication } from '../../core/publication.ts'

/** What the script that reads a log answered. */
export interface LogRead {
  log: LogState
  complete: boolean
  /** Of the inbox, if it is the log of a user. */
  counts: Counts
  publications: Publication[]
}

/** Anybody who may write to Redis can put rubbish into a log; what is not a publication is passed over. */
export function decodeOrSkip(channel: Channel, message: Buffer): Publication[] {
  try {
    return [decode(channel, message)]
  } catch {
    return []
  }
}

/** Whether a publication has not expired. */
export const alive = ({ expiresAt }: Publication): boolean => expiresAt === 0 || expiresAt > Date.now()

/** Reads the epochs of a log, as the scripts keep them. */
export function parseEpochs(text: string): LogState['epochs'] {
  const words = text.split(' ')
  return Array.from({ length: words.length / 2 }, (_, index) => ({
    epoch: words[2 * index]!,
    first: Number(words[2 * index + 1]),
  }))
}
