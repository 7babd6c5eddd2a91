import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSignatures } from '../../../src/api/auth/token-signatures.ts'
import { createTokenSigner } from '../../../src/api/auth/token-signer.ts'
import { createTokenVerifier } from '../../../src/api/auth/token-verifier.ts'
import {
  browserClaims,
  ecPair,
  ed25519Pair,
  eddsa,
  es256,
  forge,
  hs256,
  now,
  pemOf,
  rs256,
  rsaPair,
} from '../../support/forged-tokens.ts'

const SECRET = 's'.repeat(32)
const OTHER = 'o'.repeat(32)
const rsa = rsaPair()
const ec = ecPair()
const ed = ed25519Pair()

const signaturesOf = (keys: { secrets?: string[]; publicKeys?: string[]; jwksUrl?: string }) =>
  createSignatures({
    jwtSecrets: keys.secrets ?? [],
    jwtPublicKeys: keys.publicKeys ?? [],
    jwksUrl: keys.jwksUrl,
  })
const verifierOf = async (keys: Parameters<typeof signaturesOf>[0]) =>
  createTokenVerifier((await signaturesOf(keys)).check)

const bySecret = await verifierOf({ secrets: [SECRET] })

describe('a browser token', () => {
  test('says who, until when, and which rooms', async () => {
    const claims = { rooms: ['chat:*', 'news'], publish: ['chat:1'], iat: 1000, exp: now() + 60 }
    expect(await bySecret.browser(hs256(SECRET, browserClaims(claims)))).toEqual({
      user: 'demo',
      issuedAt: 1000,
      expiresAt: claims.exp,
      rooms: ['chat:*', 'news'],
      publish: ['chat:1'],
    })
  })

  test('grants nothing that it does not say', async () => {
    expect(await bySecret.browser(hs256(SECRET, browserClaims()))).toMatchObject({ rooms: [], publish: [] })
  })

  test('may have several audiences', async () => {
    const token = hs256(SECRET, browserClaims({ aud: ['shop', 'tabcast'] }))
    expect(await bySecret.browser(token)).toMatchObject({ user: 'demo' })
  })

  test('is what the signer makes', async () => {
    const sign = createTokenSigner((await signaturesOf({ secrets: [SECRET, OTHER] })).sign)!
    const { token, expiresAt } = sign({ user: 'ü 😀', ttl: 60, rooms: ['a'] })
    expect(await bySecret.browser(token)).toMatchObject({ user: 'ü 😀', expiresAt, rooms: ['a'] })
  })

  test.each<[string, object]>([
    ['no sub', { sub: undefined }],
    ['an empty sub', { sub: '' }],
    ['a sub that is a number', { sub: 5 }],
    ['a sub with a control character', { sub: 'a\nb' }],
    ['a sub of 257 characters', { sub: 'x'.repeat(257) }],
    ['a lone surrogate as sub', { sub: '\ud800' }],
    ['no iat', { iat: undefined }],
    ['an iat that is text', { iat: '1000' }],
    ['no exp', { exp: undefined }],
    ['an exp that is text', { exp: String(now() + 60) }],
    ['no aud', { aud: undefined }],
    ['another aud', { aud: 'tabcasting' }],
    ['the aud of a backend', { aud: 'tabcast:api' }],
    ['the aud of a room', { aud: 'tabcast:room' }],
    ['rooms that are a string', { rooms: '*' }],
    ['rooms with a number', { rooms: ['a', 1] }],
    ['publish that is an object', { publish: {} }],
    ['a time before which it is not valid', { nbf: now() + 60 }],
  ])('is refused with %s', async (_, claims) => {
    await expect(bySecret.browser(hs256(SECRET, browserClaims(claims)))).rejects.toMatchObject({
      code: 'token_invalid',
    })
  })

  test('that has expired has a code of its own', async () => {
    const token = hs256(SECRET, browserClaims({ exp: now() - 1 }))
    await expect(bySecret.browser(token)).rejects.toMatchObject({ code: 'token_expired' })
  })

  test('that has expired and is signed by a stranger is only invalid', async () => {
    const token = hs256(OTHER, browserClaims({ exp: now() - 1 }))
    await expect(bySecret.browser(token)).rejects.toMatchObject({ code: 'token_invalid' })
  })
})

describe('a room token', () => {
  const claims = { aud: 'tabcast:room', sub: 'demo', room: 'chat:1', exp: now() + 60 }

  test('says one user, one room, and whether to speak', async () => {
    expect(await bySecret.room(hs256(SECRET, claims))).toEqual({
      user: 'demo',
      room: 'chat:1',
      expiresAt: claims.exp,
      publish: false,
    })
    expect(await bySecret.room(hs256(SECRET, { ...claims, publish: true }))).toMatchObject({ publish: true })
  })

  test.each<[string, object]>([
    ['no room', { room: undefined }],
    ['the aud of a browser', { aud: 'tabcast' }],
    ['no exp', { exp: undefined }],
    ['publish that is text', { publish: 'yes' }],
  ])('is refused with %s', async (_, wrong) => {
    await expect(bySecret.room(hs256(SECRET, { ...claims, ...wrong }))).rejects.toMatchObject({
      code: 'token_invalid',
    })
  })
})

describe('keys', () => {
  test.each([
    ['RS256', pemOf(rsa.publicKey), rs256(rsa.privateKey, browserClaims())],
    ['ES256', pemOf(ec.publicKey), es256(ec.privateKey, browserClaims())],
    ['EdDSA', pemOf(ed.publicKey), eddsa(ed.privateKey, browserClaims())],
  ])('%s by public key', async (_, pem, token) => {
    expect(await (await verifierOf({ publicKeys: [pem] })).browser(token)).toMatchObject({ user: 'demo' })
  })

  test('several secrets at once, and one that is taken away', async () => {
    const both = await verifierOf({ secrets: [SECRET, OTHER] })
    for (const secret of [SECRET, OTHER])
      expect(await both.browser(hs256(secret, browserClaims()))).toMatchObject({ user: 'demo' })
    await expect(bySecret.browser(hs256(OTHER, browserClaims()))).rejects.toMatchObject({
      code: 'token_invalid',
    })
  })

  test('a secret and public keys together', async () => {
    const all = await verifierOf({
      secrets: [SECRET],
      publicKeys: [rsa, ec, ed].map(({ publicKey }) => pemOf(publicKey)),
    })
    const tokens = [
      hs256(SECRET, browserClaims()),
      rs256(rsa.privateKey, browserClaims()),
      es256(ec.privateKey, browserClaims()),
      eddsa(ed.privateKey, browserClaims()),
    ]
    for (const token of tokens) expect(await all.browser(token)).toMatchObject({ user: 'demo' })
  })
})

describe('a forged token is refused', async () => {
  const pem = pemOf(rsa.publicKey)
  const all = await verifierOf({ secrets: [SECRET], publicKeys: [pem, pemOf(ec.publicKey)] })
  const [head, body, signature] = hs256(SECRET, browserClaims()).split('.') as [string, string, string]
  const admin = Buffer.from(JSON.stringify(browserClaims({ sub: 'admin' }))).toString('base64url')
  const unsigned = (alg: string) => forge({ alg }, browserClaims(), () => '')

  test.each<[string, string]>([
    ['alg none', unsigned('none')],
    ['alg None', unsigned('None')],
    ['alg none with a signature', forge({ alg: 'none' }, browserClaims(), () => signature)],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['other claims', `${head}.${admin}.${signature}`],
    ['the public key as secret of HS256', hs256(pem, browserClaims())],
    ['the public key, trimmed, as secret', hs256(pem.trim(), browserClaims())],
    ['HS512', forge({ alg: 'HS512' }, browserClaims(), () => signature)],
    ['another key of its own', rs256(rsaPair().privateKey, browserClaims())],
    [
      'a key in its header',
      rs256(rsaPair().privateKey, browserClaims(), { jwk: {}, jku: 'http://evil.example' }),
    ],
    ['an empty secret', hs256('', browserClaims())],
    ['garbage', 'a.b.c'],
    ['nothing', ''],
    ['dots', '..'],
    ['an array for claims', forge({ alg: 'HS256' }, [], () => signature)],
  ])('%s', async (_, token) => {
    await expect(all.browser(token)).rejects.toMatchObject({ code: 'token_invalid' })
  })

  test('whatever algorithm it names, a key keeps to its own', async () => {
    const byKey = await verifierOf({ publicKeys: [pem] })
    for (const alg of ['HS256', 'HS384', 'HS512', 'none', 'PS256', 'ES256', 'EdDSA']) {
      const token = rs256(rsa.privateKey, browserClaims(), { alg })
      await expect(byKey.browser(token)).rejects.toMatchObject({ code: 'token_invalid' })
    }
  })
})

describe('JWKS_URL', () => {
  let server: Server
  let url: string
  const keys = [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'r' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'e' },
  ]
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url !== '/jwks.json') response.writeHead(500)
      response.end(JSON.stringify({ keys }))
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  test('gives the keys, by their name and without', async () => {
    const verifier = await verifierOf({ jwksUrl: `${url}/jwks.json` })
    for (const token of [
      rs256(rsa.privateKey, browserClaims(), { kid: 'r' }),
      es256(ec.privateKey, browserClaims(), { kid: 'e' }),
      rs256(rsa.privateKey, browserClaims()),
    ])
      expect(await verifier.browser(token)).toMatchObject({ user: 'demo' })
  })

  test('two keys of one kind are both tried for a token that names none', async () => {
    const second = rsaPair()
    keys.push({ ...second.publicKey.export({ format: 'jwk' }), kid: 'r2' })
    const verifier = await verifierOf({ jwksUrl: `${url}/jwks.json` })
    expect(await verifier.browser(rs256(second.privateKey, browserClaims()))).toMatchObject({ user: 'demo' })
    await expect(verifier.browser(rs256(rsaPair().privateKey, browserClaims()))).rejects.toMatchObject({
      code: 'token_invalid',
    })
  })

  test('strangers, expired tokens and shared secrets are refused', async () => {
    const verifier = await verifierOf({ jwksUrl: `${url}/jwks.json` })
    const expired = rs256(rsa.privateKey, browserClaims({ exp: now() - 1 }), { kid: 'r' })
    await expect(verifier.browser(expired)).rejects.toMatchObject({ code: 'token_expired' })
    for (const token of [
      rs256(rsaPair().privateKey, browserClaims(), { kid: 'r' }),
      rs256(rsa.privateKey, browserClaims(), { kid: 'unknown' }),
      hs256(pemOf(rsa.publicKey), browserClaims(), { kid: 'r' }),
      'a.b.c',
    ])
      await expect(verifier.browser(token)).rejects.toMatchObject({ code: 'token_invalid' })
  })

  test.each([
    ['that answers with an error', () => `${url}/nothing`],
    ['that nobody listens at', () => 'http://127.0.0.1:1/jwks.json'],
  ])('%s says nothing about the token', async (_, where) => {
    const verifier = await verifierOf({ jwksUrl: where() })
    await expect(verifier.browser(rs256(rsa.privateKey, browserClaims()))).rejects.toMatchObject({
      code: 'keys_unavailable',
      temporary: true,
    })
  })

  test('stands beside a secret', async () => {
    const verifier = await verifierOf({ secrets: [SECRET], jwksUrl: `${url}/jwks.json` })
    expect(await verifier.browser(hs256(SECRET, browserClaims()))).toMatchObject({ user: 'demo' })
    expect(await verifier.browser(rs256(rsa.privateKey, browserClaims(), { kid: 'r' }))).toMatchObject({
      user: 'demo',
    })
  })
})
