import type { Proof } from './prove.ts'
import { holds } from './prove.ts'

const number = (value: number): string => value.toLocaleString('en')

const table = (rows: readonly (readonly [string, number | string])[]): string[] => {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(
    ([name, value]) => `  ${name.padEnd(width)}  ${typeof value === 'number' ? number(value) : value}`,
  )
}

/** The findings of a run, for people. */
export function reportOf(proof: Proof): string {
  const { broken, gaps, healedAfter } = proof
  const told = Object.entries(gaps).map(([reason, count]) => `${number(count)} ${reason}`)
  return [
    `Engine ${proof.engine}, seed ${proof.seed}, ${proof.seconds} s: ${proof.users} users with three tabs each, ${proof.rooms} rooms.`,
    '',
    ...table([
      ['published', proof.published],
      ['acknowledged', proof.acknowledged],
      ['indeterminate (given up)', proof.indeterminate],
      ['repeated by backends', proof.retries],
      ['answered as replayed', proof.replayed],
      ['delivered to tabs', proof.delivered],
      ['reconnects of tabs', proof.reconnects],
      ['gaps told', told.join(', ') || 'none'],
      ['covered by those gaps', proof.admitted],
      ['shown again after a wipe', proof.repeatedAfterWipe],
      ['whole again after', healedAfter === undefined ? 'never' : `${healedAfter.toFixed(1)} s`],
    ]),
    '',
    'Attacks:',
    ...table(Object.entries(proof.attacks)),
    '',
    'Must be 0:',
    ...table([
      ['lost', broken.lost],
      ['duplicated', broken.duplicated],
      ['disordered', broken.disordered],
      ['false continuity', broken.falseContinuity],
      ['needless gaps', broken.needlessGaps],
      ['refused posts', broken.refused],
      ['stranded tabs', broken.stranded],
      ['crashed processes', broken.crashes],
    ]),
    '',
    ...proof.faults,
    ...(proof.idle.length > 0
      ? [`These attacks never hurt, so nothing is proved: ${proof.idle.join(', ')}.`]
      : []),
    holds(proof) ? 'The promise held.' : 'THE PROMISE WAS BROKEN.',
  ].join('\n')
}
