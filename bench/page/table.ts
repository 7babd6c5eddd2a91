import { type Figure, figureText, valueText } from '../figures/figure.ts'
import { median } from '../figures/ratio.ts'
import type { Results } from '../results.ts'
import { ROWS } from './rows.ts'

/** A figure by the name of its part and its label; undefined if it was not measured. */
export function figureOf(results: Results, part: string, label: string): Figure | undefined {
  return results.parts.find(({ name }) => name === part)?.figures.find((figure) => figure.label === label)
}

/** The median of a figure; throws if it was not measured. */
export function medianOf(results: Results, part: string, label: string): number {
  const found = figureOf(results, part, label)
  if (found === undefined) throw new Error(`${part} has no figure "${label}"`)
  return median(found.rounds)
}

const absolute = (figure: Figure): string => `${valueText(median(figure.rounds), figure.unit)} ${figure.unit}`

/** The table of the page in Markdown, with a column for older ratios if there are older results. Rows that were not measured are left out. */
export function figuresTable(results: Results, older?: Results): string {
  const head = [
    'figure',
    'Tabcast',
    'beside it',
    'ratio (range)',
    ...(older ? [`ratio in ${older.commit}`] : []),
  ]
  const rows = ROWS.flatMap(({ what, part, own, peer, ratio }) => {
    const ownFigure = figureOf(results, part, own)
    if (ownFigure === undefined) return []
    const peerFigure = peer && figureOf(results, part, peer.label)
    if (peer && peerFigure === undefined) return []
    const before = older && ratio && figureOf(older, part, ratio)
    const compared = ratio === undefined ? undefined : figureOf(results, part, ratio)
    return [
      [
        what,
        absolute(ownFigure),
        peer && peerFigure ? `${peer.name} ${absolute(peerFigure)}` : '',
        compared === undefined ? '' : figureText(compared),
        ...(older ? [before ? figureText(before) : ''] : []),
      ],
    ]
  })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** What the figures were measured on, in a sentence. */
export function conditionsText({ version, commit, date, machine, parts }: Results): string {
  const others = Math.max(...parts.map((part) => part.others ?? 0))
  return (
    `Tabcast ${version} (\`${commit}\`) on ${date.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ` +
    `Linux ${machine.linux}, Node ${machine.node}, Redis ${machine.redis}. Other processes of the machine used ${others.toFixed(2)} cores at most.`
  )
}
