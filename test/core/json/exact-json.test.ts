import { describe, expect, test } from 'vitest'
import { parseExact } from '../../../src/core/json/exact-json.ts'

describe('parseExact', () => {
  test.each([
    '9007199254740993',
    '12345678901234567890',
    '1e400',
    '1e-400',
    '-0',
    '-0.0',
    '0.1234567890123456789',
    '123456789012345.1234567',
    '12345678901.1234567',
    '0.1',
    '3.14',
    '{"a":[1,2,{"b":9007199254740993}]}',
  ])('%s is written again as it was', (text) => {
    expect(JSON.stringify(parseExact(text))).toBe(text)
  })

  test.each([
    ['1.0', '1'],
    ['1e2', '100'],
    ['1.50', '1.5'],
  ])('%s may be written as %s, which is the same number', (text, written) => {
    expect(JSON.stringify(parseExact(text))).toBe(written)
  })

  test('numbers that a double holds are numbers', () => {
    expect(parseExact('[1, 2.5, 1e3, 9007199254740991]')).toEqual([1, 2.5, 1000, 9007199254740991])
  })

  test.each(['33.333333333333336', '0.3333333333333333', '99.99999999999999', '-1.1102230246251565e-16'])(
    '%s, as programs write it, is a number',
    (text) => {
      expect(parseExact(text)).toBe(Number(text))
      expect(JSON.stringify(parseExact(text))).toBe(text)
    },
  )

  test('where only what is below a name is to be exact, numbers elsewhere are numbers', () => {
    const digits = '33.33333333333333700'
    const text = `{"data":{"a":[${digits}]},"list":[${digits},{"a":-0,"data":${digits}}],"large":1e400}`
    const value = parseExact(text, 'data') as Record<string, unknown>
    expect(value.list).toMatchObject([33.333333333333336, { a: 0 }])
    expect(value.large).toBe(Number.POSITIVE_INFINITY)
    expect(JSON.stringify(value)).toBe(
      `{"data":{"a":[${digits}]},"list":[33.333333333333336,{"a":0,"data":${digits}}],"large":null}`,
    )
  })

  test('no text makes the search slow', () => {
    const start = performance.now()
    parseExact(JSON.stringify('1.'.repeat(500_000)))
    parseExact(JSON.stringify('12345678901234 '.repeat(60_000)))
    // Milliseconds are expected; a search that is quadratic takes minutes.
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test('what is not JSON throws', () => {
    for (const text of ['', '{', '01', 'NaN', "{'a':1}", '[1e400,]'])
      expect(() => parseExact(text)).toThrow(SyntaxError)
  })
})
