import { expect, test } from 'vitest'
import { userChannel } from '../../src/core/channel.ts'
import { Member } from '../../src/core/member.ts'
import type { Gap, StreamPosition } from '../../src/core/position.ts'
import { Recorder } from '../support/recorder.ts'

const FAILOVER: Gap = { from: 9, to: 10, reason: 'failover' }
const TRIMMED: Gap = { from: 6, to: 8, reason: 'trimmed' }
const at = (seq: number, epoch: string): StreamPosition => ({ seq, epoch })

test.each<
  [
    what: string,
    member: StreamPosition,
    gap: Gap,
    before: StreamPosition,
    after: StreamPosition,
    told: boolean,
  ]
>([
  ['saw what a store that came back older lost', at(10, 'a.1'), FAILOVER, at(10, 'a.1'), at(8, 'a.1'), true],
  ['came when that store had lost it already', at(8, 'a.1'), FAILOVER, at(10, 'a.1'), at(8, 'a.1'), false],
  ['saw what the life before this one lost', at(10, 'a.1'), FAILOVER, at(10, 'a.1'), at(8, 'a.2'), true],
  ['has read ahead into the next life', at(12, 'a.2'), FAILOVER, at(10, 'a.1'), at(8, 'a.2'), false],
  ['stands before what was trimmed', at(5, 'a.1'), TRIMMED, at(5, 'a.1'), at(8, 'a.1'), true],
  ['stands within what was trimmed', at(7, 'a.1'), TRIMMED, at(5, 'a.1'), at(8, 'a.1'), true],
  ['has read ahead of what was trimmed', at(8, 'a.1'), TRIMMED, at(5, 'a.1'), at(8, 'a.1'), false],
])(
  'of a loss, a member that %s is told if it is new to it',
  async (_, position, gap, before, after, told) => {
    const tab = new Recorder()
    const member = new Member(userChannel('ada'), tab)
    member.joined(position)
    await member.release({} as never, true)
    member.admit(gap, before, after)
    member.settled()
    expect(tab.gaps).toEqual(told ? [gap] : [])
    expect(tab.positions).toEqual(told ? [after] : [])
    expect(member.position).toEqual(told ? after : position)
  },
)
