/**
 * `npm run performance -- RESULTS [OLDER]`: writes the figures of a run, kept with `--json`, into `docs/performance.md` and its pictures;
 * with older results, how the ratios were then.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plotsOf } from './page/plots.ts'
import { sizingTable } from './page/sizing.ts'
import { conditionsText, figuresTable } from './page/table.ts'
import { type Results, readResults } from './results.ts'

const PAGE = new URL('../docs/performance.md', import.meta.url)
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The page with what is written by this script put in anew; `names` are the files of the results. */
export function pageWith(page: string, names: readonly string[], results: Results, older?: Results): string {
  const sources = names.map((name) => `\`${name}\``).join(', ')
  return [
    ['figures', `${figuresTable(results, older)}\n\n${conditionsText(results)} All figures: ${sources}.`],
    ['sizing', sizingTable(results)],
  ].reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- ${name}: written by npm run performance -->`, `<!-- end of ${name} -->`]
    const [before, rest] = text.split(begin)
    const after = rest?.split(end)[1]
    if (after === undefined) throw new Error(`the page has no place for ${name}`)
    return `${before}${begin}\n\n${content}\n\n${end}${after}`
  }, page)
}

if (import.meta.main) {
  const names = process.argv.slice(2).map((name) => relative(ROOT, name))
  const [results, older] = names.map(readResults)
  if (results === undefined) throw new Error('npm run performance -- RESULTS [OLDER]')
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, 'utf8'), names, results, older))
  for (const { name, svg } of plotsOf(results))
    writeFileSync(new URL(`../docs/images/${name}.svg`, import.meta.url), svg)
}
