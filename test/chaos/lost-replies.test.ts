import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { lostReplies } from './lost-replies.ts'

const posts = isLong ? 10_000 : 150

test.each(['redis', 'api'] as const)(
  'replies of %s get lost while retries race: every key is stored once and delivered once',
  async (from) => {
    const figures = await lostReplies({ from, posts, thefts: 3 })
    process.stdout.write(`replies of ${from}: ${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({ ambiguous: [], lost: [0, 0], doubled: [0, 0] })
    expect(figures.posts).toBeGreaterThanOrEqual(posts)
    expect(figures.replayed).toBeGreaterThan(figures.posts)
  },
  isLong ? 400_000 : 90_000,
)
