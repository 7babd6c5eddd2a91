import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAX_AHEAD } from '../../../src/core/engine/schedule.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { Scheduler } from '../../../src/core/publishing/scheduler.ts'
import { call, shareApi, startApi } from '../../support/api.ts'
import { until } from '../../support/until.ts'

const title = 'Your export is ready'

describe('Prefer: wait', () => {
  test.each([
    ['wait=5', 'wait=5'],
    ['respond-async, wait=10', 'wait=10'],
    ['Wait = "3"', 'wait=3'],
    ['wait=30', 'wait=30'],
    ['wait=31', 'wait=30'],
  ])('%s: the answer comes as soon as a tab has acknowledged, and says so', async (prefer, applied) => {
    const { api, engine } = await startApi()
    const began = performance.now()
    const answer = call(api, '/notify/ada', { body: { title }, headers: { prefer } })
    const inboxes = new Inboxes(engine)
    // A tab acknowledges when it has been sent something.
    for (let seq = 0; seq === 0; ) ({ seq } = await inboxes.list('ada', { ...EVERYTHING, limit: 1 }))
    await inboxes.acknowledge('ada', 1)
    expect(await answer).toMatchObject({ status: 201, json: { seq: 1, delivered: true } })
    expect((await answer).headers['preference-applied']).toBe(applied)
    expect(performance.now() - began).toBeLessThan(2900)
  })

  test.each([
    ['a repeat', { 'idempotency-key': 'k' }, { title }, { title }, 201],
    ['an update that was dropped', {}, { title, tag: 't', version: 2 }, { title, tag: 't', version: 1 }, 200],
  ])('%s hears of it as well, though the notification names another process', async (_, key, ...calls) => {
    const [stored, sent, status] = calls
    const { api, engine } = await startApi()
    await call(api, '/notify/ada', { body: stored, headers: key })
    const looked = Promise.withResolvers<void>()
    const find = engine.inbox.find.bind(engine.inbox)
    engine.inbox.find = async (...args) => {
      const found = await find(...args)
      looked.resolve()
      return found
    }
    const began = performance.now()
    const answer = call(api, '/notify/ada', { body: sent, headers: { ...key, prefer: 'wait=20' } })
    await looked.promise
    await new Inboxes(engine).acknowledge('ada', 1)
    expect(await answer).toMatchObject({ status, json: { delivered: true } })
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('without a tab it says false when the time is over', async () => {
    const { api } = await startApi()
    const began = performance.now()
    const answer = await call(api, '/notify/ada', { body: { title }, headers: { prefer: 'wait=1' } })
    expect(answer).toMatchObject({ status: 201, json: { delivered: false } })
    expect(performance.now() - began).toBeGreaterThanOrEqual(990)
    expect(performance.now() - began).toBeLessThan(3000)
  })

  test('it is ignored with ttl: 0, and must be a number', async () => {
    const { api } = await startApi()
    const headers = { prefer: 'wait=20' }
    const { json, headers: told } = await call(api, '/notify/ada', { body: { title, ttl: 0 }, headers })
    expect(json.delivered).toBeUndefined()
    expect(told['preference-applied']).toBeUndefined()
    expect(
      await call(api, '/notify/ada', { body: { title }, headers: { prefer: 'wait=soon' } }),
    ).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', errors: [{ pointer: 'Prefer' }] },
    })
  })
})

describe('sendAt', () => {
  const shared = shareApi()
  const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

  test('it is kept, has a receipt, and can be cancelled', async () => {
    const user = randomUUID()
    const sendAt = inAnHour()
    const kept = await call(shared(), `/notify/${user}`, { body: { title, tag: 't', sendAt } })
    expect(kept).toMatchObject({ status: 202, json: { id: expect.any(String), sendAt } })
    for (const key of ['t', kept.json.id])
      expect(await call(shared(), `/notify/${user}/${key}`, { method: 'GET' })).toMatchObject({
        status: 200,
        json: { id: kept.json.id, sendAt },
      })
    expect((await call(shared(), `/notify/${user}/t`, { method: 'DELETE' })).status).toBe(204)
    expect((await call(shared(), `/notify/${user}/t`, { method: 'DELETE' })).status).toBe(404)
    expect((await call(shared(), `/notify/${user}/t`, { method: 'GET' })).status).toBe(404)
  })

  test('the same key is kept once', async () => {
    const user = randomUUID()
    const sendAt = inAnHour()
    const headers = { 'idempotency-key': 'k' }
    const first = await call(shared(), `/notify/${user}`, { body: { title, sendAt }, headers })
    const again = await call(shared(), `/notify/${user}`, { body: { title, sendAt }, headers })
    expect(again).toMatchObject({ status: 202, json: first.json })
    expect(again.headers['idempotent-replayed']).toBe('true')
    const other = await call(shared(), `/notify/${user}`, { body: { title: 'other', sendAt }, headers })
    expect(other).toMatchObject({ status: 422, json: { code: 'idempotency_conflict' } })
  })

  test('a repetition that comes after its time gets the first answer, before and after it is shown', async () => {
    const { api, engine } = await startApi()
    const at = Date.now() + 1500
    const body = { title, sendAt: new Date(at).toISOString() }
    const repeat = (other = {}) =>
      call(api, '/notify/ada', {
        body: { ...body, ...other },
        headers: { 'idempotency-key': 'k', prefer: 'wait=1' },
      })
    const first = await repeat()
    expect(first).toMatchObject({ status: 202, json: { sendAt: body.sendAt } })
    const replayed = { status: 202, json: first.json, headers: { 'idempotent-replayed': 'true' } }
    await until(async () => Date.now() > at, 3000)
    expect(await repeat()).toMatchObject(replayed)
    const inboxes = new Inboxes(engine)
    const scheduler = new Scheduler(engine, inboxes, (error) => {
      throw error
    })
    scheduler.start()
    onTestFinished(() => scheduler.stop())
    await until(async () => (await inboxes.find('ada', first.json.id)) !== undefined, 2000)
    expect(await repeat()).toMatchObject(replayed)
    const conflict = { status: 422, json: { code: 'idempotency_conflict' } }
    expect(await repeat({ title: 'other' })).toMatchObject(conflict)
    expect(await repeat({ sendAt: new Date(at - 1).toISOString() })).toMatchObject(conflict)
    expect((await inboxes.list('ada', { ...EVERYTHING, limit: 5 })).items).toHaveLength(1)
  })

  test.each([
    ['stored', {}, { status: 201, json: { seq: 1 } }],
    ['ephemeral', { ttl: 0 }, { status: 201 }],
  ])('what was %s at once, since its time had passed, is answered so again', async (_, extra, answer) => {
    const user = randomUUID()
    const body = { title, sendAt: new Date(Date.now() - 1000).toISOString(), ...extra }
    const headers = { 'idempotency-key': 'k' }
    const first = await call(shared(), `/notify/${user}`, { body, headers })
    expect(first).toMatchObject(answer)
    expect(await call(shared(), `/notify/${user}`, { body, headers })).toMatchObject({
      status: 201,
      json: first.json,
      headers: { 'idempotent-replayed': 'true' },
    })
  })

  test('a time that has passed is now, and waits for no tab', async () => {
    const sendAt = new Date(Date.now() - 1000).toISOString()
    const headers = { prefer: 'wait=20' }
    const now = await call(shared(), `/notify/${randomUUID()}`, { body: { title, sendAt }, headers })
    expect(now).toMatchObject({ status: 201, json: { seq: 1 } })
    expect(now.json.delivered).toBeUndefined()
    expect(now.headers['preference-applied']).toBeUndefined()
  })

  test.each([
    ['a day without a time', { sendAt: '2030-01-01' }, '/sendAt'],
    ['words', { sendAt: 'tomorrow' }, '/sendAt'],
    ['a leap second', { sendAt: '2026-12-31T23:59:60Z' }, '/sendAt'],
    ['a leap second elsewhere', { sendAt: '2027-01-01T08:29:60+08:30' }, '/sendAt'],
    ['an offset without minutes', { sendAt: '2026-12-31T23:59:59+01' }, '/sendAt'],
    ['more than a year', { sendAt: new Date(Date.now() + MAX_AHEAD + 3_600_000).toISOString() }, '/sendAt'],
    ['something ephemeral', { sendAt: new Date(Date.now() + 60_000).toISOString(), ttl: 0 }, '/ttl'],
  ])('%s is refused', async (_, extra, pointer) => {
    expect(await call(shared(), `/notify/${randomUUID()}`, { body: { title, ...extra } })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })

  test('many users at once are not scheduled', async () => {
    const body = { users: ['ada'], notification: { title, sendAt: inAnHour() } }
    expect(await call(shared(), '/notify', { body })).toMatchObject({ status: 400 })
  })
})
