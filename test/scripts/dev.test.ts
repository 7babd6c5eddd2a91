import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../support/programs/free-port.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')

test('npm run dev shows what was changed in src, with what was stored before', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-dev-'))
  for (const file of ['package.json', 'package-lock.json', 'scripts', 'src'])
    await cp(join(root, file), join(dir, file), { recursive: true })
  // One by one: an npm that were to install here would take away no more than links.
  await mkdir(join(dir, 'node_modules'))
  for (const name of await readdir(join(root, 'node_modules')))
    await symlink(join(root, 'node_modules', name), join(dir, 'node_modules', name))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const apiKey = 'dev-test-key-of-thirty-two-characters'
  const env = { ...process.env, PORT: String(port), HOST: '127.0.0.1', API_KEYS: `dev:${apiKey}` }
  const child = spawn('npm', ['run', '--silent', 'dev'], { cwd: dir, env, stdio: 'ignore', detached: true })
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const css = () =>
    fetch(`${url}/demo/demo.css`).then(
      (answer) => answer.text(),
      () => '',
    )
  try {
    await until(async () => (await css()) !== '', 20_000)
    const body = JSON.stringify({ title: 'before', tag: 'dev' })
    const stored = await fetch(`${url}/notify/ada`, { method: 'POST', headers, body })
    expect(stored.status).toBe(201)
    await appendFile(join(dir, 'src/pages/demo.css'), '/* changed */\n')
    await until(async () => (await css()).includes('/* changed */'), 20_000)
    expect((await fetch(`${url}/notify/ada/dev`, { headers })).status).toBe(200)
  } finally {
    process.kill(-child.pid!, 'SIGINT')
    if (child.exitCode === null) await once(child, 'exit')
    await rm(dir, { recursive: true, force: true, maxRetries: 10 })
  }
}, 60_000)
