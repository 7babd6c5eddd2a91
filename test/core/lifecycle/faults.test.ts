import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FaultReporter, internalError, isFault, isTemporary } from '../../../src/core/lifecycle/faults.ts'
import { ServiceError } from '../../../src/core/model/errors.ts'

let written: [message: string, repeated: number][]
let reporter: FaultReporter

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  written = []
  reporter = new FaultReporter((error, repeated) => written.push([(error as Error).message, repeated]))
})
afterEach(() => {
  vi.useRealTimers()
})

const fail = (message: string): TypeError => new TypeError(message)

test('a cause is written at once, then once a minute with the number of times that it came in between', () => {
  for (let times = 0; times < 5; times++) reporter.report(fail('a'))
  expect(written).toEqual([['a', 0]])
  vi.advanceTimersByTime(59_999)
  reporter.report(fail('a'))
  expect(written).toHaveLength(1)
  vi.advanceTimersByTime(1)
  reporter.report(fail('a'))
  expect(written.slice(1)).toEqual([['a', 5]])
})

test('each cause by itself, also behind the error that a caller gets', () => {
  reporter.report(fail('a'))
  reporter.report(internalError(fail('b')))
  reporter.report(internalError(internalError(fail('b'))))
  expect(written).toEqual([
    ['a', 0],
    ['b', 0],
  ])
})

test('what was reported where it began is not reported again where it is answered', () => {
  const cause = fail('a')
  reporter.report(cause)
  reporter.report(internalError(cause))
  vi.advanceTimersByTime(60_000)
  reporter.report(fail('a'))
  expect(written).toEqual([
    ['a', 0],
    ['a', 0],
  ])
})

test('of very many causes the oldest are forgotten', () => {
  for (let index = 0; index <= 200; index++) reporter.report(fail(`fault ${index}`))
  reporter.report(fail('fault 200'))
  expect(written).toHaveLength(201)
  reporter.report(fail('fault 0'))
  expect(written).toHaveLength(202)
})

test('a store that is away is no fault, and a fault is never worth waiting for', () => {
  const away = new ServiceError('engine_unavailable', '')
  expect([isFault(away), isTemporary(away)]).toEqual([false, true])
  const refused = new ServiceError('invalid_request', '')
  expect([isFault(refused), isTemporary(refused)]).toEqual([false, false])
  for (const error of [internalError(fail('a')), fail('a'), 'a'])
    expect([isFault(error), isTemporary(error)]).toEqual([true, false])
})
