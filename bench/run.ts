/** `npm run bench [-- notify | fan-out | inboxes | many | overload]`: each bench prints ratios against something measured in the same run. */
import { benchFanOut } from './fan-out.ts'
import { benchInboxes } from './inboxes.ts'
import { benchMany } from './many.ts'
import { benchNotify } from './notify.ts'
import { benchOverload } from './overload.ts'

const benches: Record<string, () => Promise<string[]>> = {
  notify: benchNotify,
  'fan-out': benchFanOut,
  inboxes: benchInboxes,
  many: benchMany,
  overload: benchOverload,
}
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !Object.hasOwn(benches, name))
if (unknown !== undefined) {
  process.stderr.write(`There is no bench ${unknown}. There are: ${Object.keys(benches).join(', ')}.\n`)
  process.exit(1)
}
for (const name of wanted.length > 0 ? wanted : Object.keys(benches))
  process.stdout.write(`${(await benches[name]!()).join('\n')}\n\n`)
