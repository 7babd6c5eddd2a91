import { expect, test } from 'vitest'
import { explain } from '../../src/process/explain.ts'
import { startTabcast } from '../support/programs/tabcast.ts'

test.each([
  [
    'no address at all',
    '999.1.1.1',
    /^The name to listen on is not known\. Set HOST to .*\(getaddrinfo .*999\.1\.1\.1\)\.\n$/,
  ],
  // Kept for documentation (RFC 5737): no machine has it.
  [
    'the address of another machine',
    '192.0.2.1',
    /^This machine does not have .* Set HOST to .*\(listen .*192\.0\.2\.1.*\)\.\n$/,
  ],
])('a HOST that is %s is explained in one sentence', async (_name, HOST, sentence) => {
  const server = await startTabcast({ HOST }, { until: 'exit' })
  expect(await server.exited).toBe(1)
  expect(server.output()).toMatch(sentence)
})

const failed = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code} 0.0.0.0:80`), { code, syscall })

test.each(['listen', 'bind'])(
  'a port that only root may have is explained in one sentence, by %s',
  (syscall) => {
    expect(explain(failed('EACCES', syscall))).toBe(
      `This user may not listen there. Set PORT to a number of 1024 or more (${syscall} EACCES 0.0.0.0:80).`,
    )
  },
)

test('what has to do with no address comes with its stack', () => {
  expect(explain(failed('EACCES', 'open'))).toContain('\n    at ')
})
