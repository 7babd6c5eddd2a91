import { type Figure, figureText, valueText } from './figures/figure.ts'
import { median } from './figures/ratio.ts'
import type { PartResults, Results } from './results.ts'

/** The lines of a part: ratios first, what was measured beside them. With older results, each figure is `old → new`. */
export function linesOf(part: PartResults, older?: Results): string[] {
  const { name, about, seconds, sizes, figures, others, stolen } = part
  const said = Object.entries(sizes).map(([size, value]) => `${size} ${value.toLocaleString('en')}`)
  const olderFigures = older?.parts.find((other) => other.name === name)?.figures ?? []
  const width = Math.max(...figures.map(({ label }) => label.length))
  return [
    `${name}: ${about}`,
    `  ${said.join(', ')}; ${seconds.toFixed(0)} s`,
    `  other processes of this machine used ${others.toFixed(2)} cores, other machines took ${stolen.toFixed(2)}`,
    ...figures.map((figure) => {
      const before = olderFigures.find(({ label }) => label === figure.label)
      return `  ${figure.label.padEnd(width)}  ${before === undefined ? '' : changeText(before, figure)}${figureText(figure)}`
    }),
  ]
}

/** `0.67 → +42 %  ` in front of the new value. */
function changeText(before: Figure, after: Figure): string {
  const [old, now] = [median(before.rounds), median(after.rounds)]
  const percent = Math.round((now / old - 1) * 100)
  return `${valueText(old, before.unit)} → (${percent > 0 ? '+' : ''}${percent} %) `
}
