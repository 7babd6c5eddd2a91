import { describe, expect, test } from 'vitest'
import { ERROR_ENTRIES } from '../../../src/core/model/error-help.ts'
import { codeForStatus, ERRORS, ServiceError } from '../../../src/core/model/errors.ts'

describe('an error', () => {
  test('has what its row says, and its own detail', () => {
    const cause = new Error('away')
    const error = new ServiceError('engine_timeout', 'Redis did not answer in time', { cause })
    expect(error).toMatchObject({ ...ERRORS.engine_timeout, code: 'engine_timeout', cause, faults: [] })
    expect(error.message).toBe('Redis did not answer in time')
  })

  test('leads to its entry on the page of errors', () => {
    expect(new ServiceError('not_found', '').help).toBe('/errors#not_found')
  })
})

test.each([
  [400, 'invalid_request'],
  [413, 'too_large'],
  [418, 'invalid_request'],
  [500, 'internal'],
  [599, 'internal'],
])('an HTTP status %d of somebody else is %s', (status, code) => {
  expect(codeForStatus(status)).toBe(code)
})

describe('the words about errors', () => {
  test('are there for each row, in its order, and say where it is met', () => {
    expect(ERROR_ENTRIES.map(({ code }) => code)).toEqual(Object.keys(ERRORS))
    for (const { code, places } of ERROR_ENTRIES) expect([code, places]).toEqual([code, [...new Set(places)]])
    expect(ERROR_ENTRIES.filter(({ places }) => places.length === 0)).toEqual([])
  })

  test('call an error that stops a stock client for good permanent', () => {
    const refusals = ERROR_ENTRIES.filter(({ places }) => places.includes('connect'))
    expect(refusals.filter(({ temporary }) => temporary)).toEqual([])
  })

  test.each(ERROR_ENTRIES.map((entry) => [entry.code, entry] as const))(
    '%s: whole sentences, and code that ends',
    (_, { title, happened, remedy }) => {
      expect(title).toMatch(/^[A-Z][^.`]*$/)
      for (const text of [happened, remedy]) {
        expect(text).toMatch(/^[A-Z`].*\.$/)
        expect(text.split('`').length % 2).toBe(1)
        expect(text).not.toMatch(/\bcan not\b|\b(is|are) told\b| {2}/)
      }
    },
  )
})
