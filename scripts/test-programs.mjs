import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What the tests and the bench start as real programs, and the Debian packages that have it. */
const programs = [
  { name: 'redis-server', package: 'redis-server' },
  { name: 'redis-cli', package: 'redis-tools' },
  // Chromium without what shows it on a screen: there in a second, on a machine without a screen.
  { name: 'chromium-headless-shell', package: 'chromium-headless-shell' },
  { name: 'php', package: 'php-cli' },
  { name: 'php with curl', package: 'php-curl', isThere: phpHasCurl },
  { name: 'python3', package: 'python3' },
  { name: "python's redis", package: 'python3-redis', isThere: pythonHasRedis },
  { name: 'nginx', package: 'nginx' },
  { name: 'curl', package: 'curl' },
]

/** What only the bench starts, and does without where it cannot be had. */
const benchPrograms = [{ name: 'nchan', package: 'libnginx-mod-nchan', isThere: hasNchan }]

/** Installs what the tests miss, where that is possible. Returns what the user has to do; nothing if all is there. */
export function installMissingPrograms(say) {
  const missing = missingPrograms()
  if (missing.length === 0) return undefined
  const names = missing.map(({ name }) => name).join(', ')
  const install = `apt-get install -y --no-install-recommends ${missing.map((program) => program.package).join(' ')}`
  if (!find('apt-get'))
    return `The tests want ${names}: install them with the package manager of this machine.`
  if (process.getuid() !== 0)
    return `The tests want ${names}. Install them with:\n\n  sudo sh -c 'apt-get update && ${install}'\n`

  say(`Installing for the tests: ${names} …`)
  const failure = runApt(['update']) ?? runApt(install.split(' ').slice(1))
  if (failure)
    return `${failure}\n\nThe tests want ${names}. Install them with:\n\n  apt-get update && ${install}\n`
  const still = missingPrograms().map(({ name }) => name)
  return still.length === 0 ? undefined : `Installed, and yet not found: ${still.join(', ')}.`
}

/** What the tests need and this machine does not have. */
export function missingPrograms() {
  return missingOf(programs)
}

/** Installs what the bench compares Tabcast with, if that is possible, and says so if it is not: the bench then runs without it. */
export function installBenchPrograms(say) {
  const missing = missingOf(benchPrograms)
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  const packages = missing.map((program) => program.package)
  const mayInstall = find('apt-get') !== undefined && process.getuid() === 0
  if (mayInstall) say(`Installing for the bench: ${names} …`)
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  const failure = mayInstall ? (runApt(['update']) ?? runApt(install)) : 'only root can, with apt-get'
  if (failure) say(`${names} cannot be installed (${failure}): the bench goes without.`)
}

function missingOf(wanted) {
  return wanted.filter(({ name, isThere }) => !(isThere ?? find)(name))
}

function hasNchan() {
  return existsSync('/usr/lib/nginx/modules/ngx_nchan_module.so')
}

function phpHasCurl() {
  const php = find('php')
  return php !== undefined && spawnSync(php, ['-r', 'exit(extension_loaded("curl") ? 0 : 1);']).status === 0
}

function pythonHasRedis() {
  // Debian's packages are for Debian's Python, whatever else is on the PATH.
  return spawnSync('/usr/bin/python3', ['-c', 'import redis']).status === 0
}

/** Looks in /usr/sbin too, which is not on the PATH of a user who is not root. */
function find(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function runApt(args) {
  // Runlevel 1 keeps the packages from starting their services: the tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { status, stdout, stderr, error } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return status === 0 ? undefined : `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim()
}
