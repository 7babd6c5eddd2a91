import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Coalescer } from '../../../src/core/delivery/coalescer.ts'
import { decode } from '../../../src/core/model/encoding.ts'
import { type Publication, type PublicationEvent, payloadOf } from '../../../src/core/model/publication.ts'

let seq: number
let handedOn: Publication[]
let coalescer: Coalescer

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.advanceTimersByTime(1000)
  seq = 0
  handedOn = []
  coalescer = new Coalescer((publication) => handedOn.push(publication))
})
afterEach(() => {
  coalescer.drop()
  vi.useRealTimers()
})

function take(id: string, event: PublicationEvent = 'progress', alert = false): void {
  const line = `${++seq} a.1 ${event} ${id} 0 0 \n`
  coalescer.take(decode('user:ada', Buffer.from(`${line}["notification",{"id":"${id}","alert":${alert}}]`)))
}
const seqs = (): number[] => handedOn.map(({ seq }) => seq)
const pass = (time: number) => vi.advanceTimersByTime(time)

test('the first goes at once, then the newest when the pause is over, and nothing without news', () => {
  for (let count = 0; count < 10; count++) take('a')
  expect(seqs()).toEqual([1])
  pass(249)
  expect(seqs()).toEqual([1])
  pass(1)
  expect(seqs()).toEqual([1, 10])
  pass(10_000)
  expect(seqs()).toEqual([1, 10])
  take('a')
  expect(seqs()).toEqual([1, 10, 11])
})

test('updates of ten seconds go four times a second, the last one too', () => {
  for (let time = 0; time < 10_000; time++) {
    take('a')
    pass(1)
  }
  pass(250)
  expect(seqs().length).toBeGreaterThanOrEqual(40)
  expect(seqs().length).toBeLessThanOrEqual(42)
  expect(seqs().at(-1)).toBe(10_000)
})

test.each<PublicationEvent>(['notification', 'state', 'removed', 'control'])(
  'a %s goes at once, after the progress before it',
  (event) => {
    for (const id of ['a', 'b', 'a', 'b', 'b', 'a']) take(id)
    take('c', event)
    expect(seqs()).toEqual([1, 2, 5, 6, 7])
    pass(1000)
    expect(seqs()).toEqual([1, 2, 5, 6, 7])
  },
)

test('two tasks in turn keep their order, and each its pace', () => {
  for (let time = 0; time < 1000; time++) {
    take('a')
    take('b')
    pass(1)
  }
  pass(250)
  expect(seqs()).toEqual(seqs().toSorted((a, b) => a - b))
  for (const task of ['a', 'b']) {
    const count = handedOn.filter(({ id }) => id === task).length
    expect(count).toBeGreaterThanOrEqual(5)
    expect(count).toBeLessThanOrEqual(6)
  }
  expect(seqs().slice(-2)).toEqual([1999, 2000])
})

test('the pause ends for the task that waits longest', () => {
  take('a')
  pass(200)
  take('b')
  take('b')
  take('a')
  pass(50)
  expect(seqs()).toEqual([1, 2, 3, 4])
})

test('a task that is over takes the place of its progress, and one that begins again goes at once', () => {
  take('a')
  take('a')
  take('a', 'notification', true)
  expect(seqs()).toEqual([1, 3])
  take('a')
  expect(seqs()).toEqual([1, 3, 4])
})

test('a pause whose task was over in it is followed by pauses that end', () => {
  take('a')
  take('a')
  take('a', 'notification')
  pass(1000)
  take('a')
  take('a')
  pass(250)
  expect(seqs()).toEqual([1, 3, 4, 5])
})

test('an alert is given even if a newer update took its place', () => {
  take('a')
  take('a', 'progress', true)
  take('a')
  pass(250)
  expect(handedOn.map((publication) => payloadOf(publication).alert)).toEqual([false, true])
  expect(seqs()).toEqual([1, 3])
})

test('what was dropped does not come later', () => {
  take('a')
  take('a')
  coalescer.drop()
  pass(1000)
  expect(seqs()).toEqual([1])
})
