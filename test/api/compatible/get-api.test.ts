import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rejectionsOf } from '../../bridges/listening.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { startTabcast } from '../../support/programs/tabcast.ts'

const run = promisify(execFile)
const php = async (code: string): Promise<string> => (await run('php', ['-r', code])).stdout

describe('the GET API', () => {
  let app: TestApp

  beforeAll(async () => {
    app = await startApp({ GET_API: 'on', LOG_LEVEL: 'silent' })
  })

  afterAll(() => app.close())

  const query = (fields: Record<string, string>): string => `${app.url}/?${new URLSearchParams(fields)}`
  const right = () => ({ name: 'ada', msg: 'hello', key: app.apiKey })

  test("PHP's file_get_contents notifies a user", async () => {
    const tab = await app.tab('zoë').connected()
    const url = query({ name: 'zoë', msg: 'grüße & <b>', key: app.apiKey })
    expect(JSON.parse(await php(`echo file_get_contents('${url}');`))).toMatchObject({
      seq: 1,
      connections: 1,
    })
    expect(await tab.sees('notification')).toMatchObject([{ body: 'grüße & <b>', seq: 1 }])
  })

  test("PHP's curl posts a form, with the key in it or in the header", async () => {
    const tab = await app.tab('bob').connected()
    const post = (fields: string, header: string) =>
      php(`$curl = curl_init('${app.url}/');
        curl_setopt_array($curl, [CURLOPT_POSTFIELDS => ${fields}, CURLOPT_HTTPHEADER => [${header}]]);
        curl_exec($curl);`)
    await post(`http_build_query(['name' => 'bob', 'msg' => 'a+b %', 'key' => '${app.apiKey}'])`, '')
    await post(`'name=bob&msg=two'`, `'Authorization: Bearer ${app.apiKey}'`)
    expect(await tab.sees('notification', 2)).toMatchObject([{ body: 'a+b %' }, { body: 'two' }])
    // An array is sent as multipart.
    expect(await post(`['name' => 'bob', 'msg' => 'three', 'key' => '${app.apiKey}']`, '')).toContain(
      'http_build_query',
    )
  })

  test('an answer is never kept', async () => {
    for (const url of [query(right()), query({ name: 'ada', msg: 'hello', key: 'wrong' })])
      expect((await fetch(url)).headers.get('cache-control')).toBe('no-store')
  })

  test('a repeat with the same Idempotency-Key is the same', async () => {
    const call = async () =>
      (await fetch(query(right()), { headers: { 'idempotency-key': 'once' } })).json() as Promise<{
        id: string
      }>
    expect((await call()).id).toBe((await call()).id)
  })

  test('without a name there is the page', async () => {
    for (const path of ['/', '/?user=ada', '/?msg=hello'])
      expect(await (await fetch(app.url + path)).text()).toContain('<html')
  })

  test('a look at it notifies nobody', async () => {
    const tab = await app.tab('eve').connected()
    await fetch(query({ ...right(), name: 'eve' }), { method: 'HEAD' })
    await app.notify('eve', { title: 'end' })
    expect(await tab.sees('notification')).toMatchObject([{ title: 'end' }])
  })

  test.each([
    [{ name: 'ada', msg: 'hello' }, 401, 'credential_missing'],
    [{ name: 'ada', msg: 'hello', key: 'x'.repeat(22) }, 401, 'credential_invalid'],
    [{ name: 'ada', msg: 'hello', key: 'a b' }, 401, 'credential_invalid'],
    [{ name: 'ada', key: 'right' }, 400, 'invalid_request'],
    [{ name: '', msg: 'hello', key: 'right' }, 400, 'invalid_request'],
    [{ name: 'x'.repeat(257), msg: 'hello', key: 'right' }, 400, 'invalid_request'],
    [{ name: 'ada', msg: 'x'.repeat(4001), key: 'right' }, 400, 'invalid_request'],
    [{ name: 'ada', msg: 'hello', title: 'hello', key: 'right' }, 400, 'invalid_request'],
  ])('%o is answered %i, as query and as form', async (fields: Record<string, string>, status, code) => {
    const given = { ...fields, ...(fields.key === 'right' ? { key: app.apiKey } : {}) }
    const before = await rejectionsOf(app.url, 'get-api')
    for (const answer of [
      await fetch(query(given)),
      await fetch(`${app.url}/`, { method: 'POST', body: new URLSearchParams(given) }),
    ]) {
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(await answer.json()).toMatchObject({ code })
    }
    expect(await rejectionsOf(app.url, 'get-api')).toBe(before + 2)
  })

  test('the longest message and form are taken, and no longer one', async () => {
    let detail: unknown
    const post = async (body: string): Promise<number> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await fetch(`${app.url}/`, { method: 'POST', headers, body })
      ;({ detail } = (await answer.json()) as { detail?: unknown })
      return answer.status
    }
    const form = `name=ada&key=${app.apiKey}&msg=${'%78'.repeat(4000)}`
    expect(await post(form)).toBe(201)
    const padded = `${form}&${'&'.repeat(65_536 - form.length - 1)}`
    expect(await post(padded)).toBe(201)
    expect(await post(`${padded}&`)).toBe(413)
    expect(detail).toBe('the form has more than 65536 bytes')
  })

  test('a form that is not UTF-8, and a field that is there twice, are refused', async () => {
    const post = (body: Uint8Array<ArrayBuffer> | string) =>
      fetch(`${app.url}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      })
    expect((await post(new Uint8Array([0x6d, 0x3d, 0xff]))).status).toBe(400)
    // Latin-1: é and è would both become U+FFFD, and two users one.
    for (const name of ['caf%E9', 'caf%E8', '%', '%zz']) {
      expect((await post(`name=${name}&msg=x&key=${app.apiKey}`)).status).toBe(400)
      expect((await fetch(`${app.url}/?name=${name}&msg=x&key=${app.apiKey}`)).status).toBe(400)
    }
    expect((await post(`name=caf%C3%A9&msg=a+b&key=${app.apiKey}`)).status).toBe(201)
    expect((await post(`name=ada&name=bob&msg=x&key=${app.apiKey}`)).status).toBe(400)
    expect((await fetch(`${query(right())}&name=bob`)).status).toBe(400)
  })
})

test('the key is not logged, however much is', async () => {
  const tabcast = await startTabcast({ GET_API: 'on', LOG_LEVEL: 'trace' })
  const url = `${tabcast.url}/?name=ada&key=${tabcast.apiKey}`
  expect((await fetch(`${url}&msg=hello`)).status).toBe(201)
  expect((await fetch(url)).status).toBe(400)
  await tabcast.stop()
  expect(tabcast.output()).toContain('get-api refused something')
  expect(tabcast.output()).not.toContain(tabcast.apiKey)
})

test('without GET_API there is the page alone, and no way to notify', async () => {
  const app = await startApp()
  const url = `${app.url}/?name=ada&msg=hello&key=${app.apiKey}`
  expect(await (await fetch(`${app.url}/?user=ada`)).text()).toContain('<html')
  expect((await fetch(url)).status).toBe(404)
  expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  await app.close()
})
