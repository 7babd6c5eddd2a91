import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')

// Notes each call, and installs a runtime that says the version that it is to say, once it is let go on.
const fakeNpm = `#!/bin/sh
echo "$@" >> calls
while [ -e hold ]; do sleep 0.02; done
[ ! -e broken ] || { echo 'npm error the network is down' >&2; exit 1; }
rm -rf node_modules && mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho v%s\\n' "$(cat version)" > node_modules/.bin/node && chmod +x node_modules/.bin/node
`

const fakeApt = `#!/bin/sh
echo "$RUNLEVEL $@" >> calls
case "$*" in *install*) for name in redis-server redis-cli chromium-headless-shell php python3 nginx curl; do
  printf '#!/bin/sh\\n' > bin/$name; chmod +x bin/$name
done; esac
`

let dir: string
let started: ChildProcess[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-set-up-'))
  started = []
  await mkdir(join(dir, 'bin'))
  for (const file of ['package.json', 'package-lock.json', 'scripts'])
    await cp(join(root, file), join(dir, file), { recursive: true })
  await program('npm', fakeNpm)
  await write('version', '26.1.0')
})

afterEach(async () => {
  for (const child of started) child.kill('SIGKILL')
  await rm(join(dir, 'hold'), { force: true })
  await rm(dir, { recursive: true, force: true, maxRetries: 10 })
})

const write = (name: string, content: string) => writeFile(join(dir, name), content)

async function program(name: string, content: string): Promise<void> {
  await write(join('bin', name), content)
  await chmod(join(dir, 'bin', name), 0o755)
}

async function calls(): Promise<string[]> {
  const lines = await readFile(join(dir, 'calls'), 'utf8').catch(() => '')
  return lines.split('\n').slice(0, -1)
}

/** The text of the lock: the id of the npm that works under it. */
async function lockedNpm(): Promise<string> {
  const lock = join(dir, '.set-up.lock')
  const [owner] = await readdir(lock)
  return readFile(join(lock, String(owner)), 'utf8')
}

function setUp(args: string[] = [], path = ['/usr/bin', '/bin']) {
  const PATH = [join(dir, 'bin'), ...path].join(delimiter)
  const child = spawn(process.execPath, ['scripts/set-up.mjs', ...args], { cwd: dir, env: { PATH } })
  started.push(child)
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return {
    child,
    ended: ended.then(([[code], stdout, stderr]) => ({ code: code as number, stdout, stderr })),
  }
}

describe('set-up', () => {
  test('installs once, then says and does nothing', async () => {
    const first = await setUp().ended
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/Installing.*\n.*Node v26\.1\.0/)
    expect(await setUp().ended).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await calls()).toEqual([expect.stringMatching(/^ci .*--include=dev/)])
  })

  test('installs again after a change of the packages, not after one of the scripts', async () => {
    await setUp().ended
    const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    await write('package.json', JSON.stringify({ ...manifest, scripts: {} }))
    await setUp().ended
    expect(await calls()).toHaveLength(1)
    await write('package-lock.json', '{}')
    await setUp().ended
    expect(await calls()).toHaveLength(2)
  })

  test('installs again when the runtime is gone', async () => {
    await setUp().ended
    await rm(join(dir, 'node_modules/.bin/node'))
    expect(await setUp().ended).toMatchObject({ code: 0 })
    expect(await calls()).toHaveLength(2)
  })

  test('several at once install once', async () => {
    await write('hold', '')
    const all = [setUp(), setUp(), setUp()]
    await until(async () => (await calls()).length === 1, 10_000)
    await rm(join(dir, 'hold'))
    const ended = await Promise.all(all.map((one) => one.ended))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(await calls()).toHaveLength(1)
    expect(await readdir(dir)).not.toContain('.set-up.lock')
  })

  test('one that was killed is replaced, after its npm has ended', async () => {
    await write('hold', '')
    const first = setUp()
    await until(async () => (await calls()).length === 1, 10_000)
    // npm can have begun a moment before its id is there.
    await until(async () => (await lockedNpm()) !== '', 10_000)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const second = setUp()
    const [said] = await once(second.child.stdout, 'data')
    expect(String(said)).toContain(`process ${first.child.pid}`)
    expect(await calls()).toHaveLength(1)
    await rm(join(dir, 'hold'))
    expect(await second.ended).toMatchObject({ code: 0 })
    expect(await calls()).toHaveLength(2)
  })

  test('a lock that its maker never signed is no obstacle', async () => {
    await mkdir(join(dir, '.set-up.lock'))
    expect(await setUp().ended).toMatchObject({ code: 0 })
  })

  test('stopped, it takes npm along and leaves no lock', async () => {
    await write('hold', '')
    const { child, ended } = setUp()
    await until(async () => (await calls()).length === 1, 10_000)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 143 })
    expect(await readdir(dir)).not.toContain('.set-up.lock')
    await rm(join(dir, 'hold'))
    expect(await setUp().ended).toMatchObject({ code: 0 })
  })

  test('shows what npm says when it fails, and only then', async () => {
    await write('broken', '')
    const { code, stderr } = await setUp().ended
    expect(code).toBe(1)
    expect(stderr).toContain('the network is down')
    await rm(join(dir, 'broken'))
    expect(await setUp().ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('a runtime that is too old is refused', async () => {
    await write('version', '22.0.0')
    const { code, stderr } = await setUp().ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/v22\.0\.0.*Node 24/)
  })
})

describe('set-up for the tests', () => {
  // A PATH with sh and little else; /usr/sbin, where nginx may be, is always looked at.
  const bare = async () => {
    for (const name of ['cat', 'chmod', 'mkdir', 'printf', 'rm', 'sh'])
      await symlink(`/bin/${name}`, join(dir, 'bin', name))
    return [dirname(join(dir, 'bin', 'sh'))]
  }

  test('installs what is missing, as root', async () => {
    const path = await bare()
    await program('apt-get', fakeApt)
    const { code, stdout } = await setUp(['--test'], path).ended
    const [, update, install] = await calls()
    if (process.getuid?.() === 0) {
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('redis-server') })
      expect(update).toMatch(/^1 .*update$/)
      expect(install).toMatch(
        /^1 .*install -y --no-install-recommends redis-server redis-tools chromium-headless-shell php-cli/,
      )
      expect(await setUp(['--test'], path).ended).toMatchObject({ code: 0, stdout: '' })
    } else expect(code).toBe(1)
  })

  test('without a package manager it says what is missing', async () => {
    const { code, stderr } = await setUp(['--test'], await bare()).ended
    expect(code).toBe(1)
    expect(stderr).toContain('redis-server, redis-cli, chromium-headless-shell, php, php with curl, python3')
  })

  test('all there: nothing to say', async () => {
    await setUp().ended
    expect(await setUp(['--test'], process.env.PATH?.split(delimiter)).ended).toMatchObject({
      code: 0,
      stdout: '',
    })
  })
})
