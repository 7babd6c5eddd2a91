import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { completeCredentials, loadDevelopmentSecrets } from '../../src/development/secrets.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tabcast-secrets-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('are the same the next time, and readable by their owner only', () => {
  const data = join(directory, 'new', 'data')
  const first = loadDevelopmentSecrets(data)
  expect(loadDevelopmentSecrets(data)).toEqual(first)
  expect(statSync(join(data, 'development.json')).mode & 0o777).toBe(0o600)
  expect(first.note).toContain('development.json')
})

test('are the same for processes that start at once, which leave nothing else behind', async () => {
  const program = `
    const { loadDevelopmentSecrets } = await import('./src/development/secrets.ts')
    console.log(JSON.stringify(loadDevelopmentSecrets(${JSON.stringify(directory)})))`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  const outputs = await Promise.all(Array.from({ length: 5 }, run))
  expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1)
  expect(readdirSync(directory)).toEqual(['development.json'])
})

test('end with the process where they cannot be kept, and say so', () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  const secrets = loadDevelopmentSecrets(join(file, 'data'))
  expect(secrets.note).toMatch(/cannot be kept/)
  expect(secrets.apiKey).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(loadDevelopmentSecrets(undefined).note).toMatch(/this process only/)
})

test('fill in only what the configuration leaves open', () => {
  const bare = completeCredentials(loadConfig({}).credentials, directory)
  expect(bare.apiKey).toBeDefined()
  expect(bare.credentials.apiKeys).toHaveLength(1)
  expect(bare.credentials.jwtSecrets).toHaveLength(1)

  const given = loadConfig({ API_KEYS: `a:${'k'.repeat(22)}`, JWT_SECRET: 's'.repeat(32) }).credentials
  expect(completeCredentials(given, directory)).toEqual({
    credentials: given,
    apiKey: undefined,
    note: undefined,
  })

  const keyed = completeCredentials({ ...given, jwtSecrets: [] }, directory)
  expect(keyed.credentials.apiKeys).toEqual(given.apiKeys)
  expect(keyed.apiKey).toBeUndefined()
  expect(keyed.credentials.jwtSecrets).toEqual(bare.credentials.jwtSecrets)
})
