import { join } from 'node:path'

/** This process among those of one machine that listen on the same port. */
export interface Place {
  /** Names the process, and its sessions; one that takes over its slot has another. */
  id: number
  /** 1, 2, 3 …, for people and metrics. */
  slot: number
  /** A folder of this installation only, in which every process has its side door. */
  folder: string
}

const DOOR = /^(\d+)\.sock$/

/** The Unix socket at which a process hears what its siblings pass on to it. */
export const doorOf = (folder: string, id: number): string => join(folder, `${id}.sock`)

/** Whose side door a file of the folder is; undefined if it is none. */
export function idOfDoor(file: string): number | undefined {
  const id = DOOR.exec(file)?.[1]
  return id === undefined ? undefined : Number(id)
}
