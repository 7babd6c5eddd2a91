import { expect, test } from 'vitest'
import { CommandWriter } from '../../../../src/engines/redis/links/command-writer.ts'

/** The words of a command as a server reads them. */
function wordsOf(bytes: Buffer): string[] {
  const words: string[] = []
  let at = 0
  const line = (kind: string): number => {
    const end = bytes.indexOf('\r\n', at)
    expect(bytes.toString('latin1', at, at + 1)).toBe(kind)
    const number = Number(bytes.toString('latin1', at + 1, end))
    at = end + 2
    return number
  }
  for (let left = line('*'); left > 0; left--) {
    const size = line('$')
    words.push(bytes.toString('utf8', at, at + size))
    expect(bytes.toString('latin1', at + size, at + size + 2)).toBe('\r\n')
    at += size + 2
  }
  expect(at).toBe(bytes.length)
  return words
}

const of = (...lengths: number[]): string[] => lengths.map((length) => 'x'.repeat(length))

test.each<[string, (string | number)[]]>([
  ['nothing', []],
  ['numbers', [0, 9, 10, 99, 100, -1, Number.MAX_SAFE_INTEGER, 0.5]],
  ['texts of every length at which something changes', of(0, 1, 9, 10, 31, 32, 33, 99, 100, 101, 1000)],
  ['bytes that mean something to Redis', ['\r\n', '$3\r\nabc\r\n', '*', '\0']],
  ['umlauts', ['ü', 'aü', 'x'.repeat(30).concat('ü'), 'ü'.repeat(31), 'ü'.repeat(32), 'ü'.repeat(5000)]],
  ['other scripts', ['世界', 'x世', '世'.repeat(40), '👩‍🚀', 'é\u0301'.repeat(20)]],
  ['more than is set aside at a time', ['x'.repeat(70_000), '世'.repeat(70_000), 'y']],
])('writes %s', (_, args) => {
  expect(wordsOf(new CommandWriter().write('evalsha', 'abc', args))).toEqual([
    'evalsha',
    'abc',
    ...args.map(String),
  ])
})

test('half of a surrogate pair becomes one character, and the length is that of its bytes', () => {
  const writer = new CommandWriter()
  for (const text of ['\ud800', `x\udc00`, '\ud800'.repeat(40)])
    expect(wordsOf(writer.write('evalsha', 'abc', [text])).at(-1)).toBe(text.toWellFormed())
})

test('what was written stays as it is, however much comes after it', () => {
  const writer = new CommandWriter()
  const written = Array.from({ length: 2000 }, (_, index) => {
    const args = [`user-${index}`, 'ü'.repeat(index % 40), index, 'x'.repeat(index % 200)]
    return { bytes: writer.write('evalsha', String(index), args), args }
  })
  for (const [index, { bytes, args }] of written.entries())
    expect(wordsOf(bytes)).toEqual(['evalsha', String(index), ...args.map(String)])
})
