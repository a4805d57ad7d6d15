/**
 * What each operation answers in each state of the key or name that it is given: one total table, pure, which the
 * compiler makes complete. The operations ask it; nothing else decides.
 */
import { called, Key, type Kind, Name } from "../Snapshot.ts"
import {
  KeyTaken,
  NameTaken,
  NotActive,
  NotMountable,
  ParentNotCommitted,
  ParentNotFound,
  SnapshotNotFound
} from "../SnapshotterError.ts"

/** The state of a key or name: nothing is called so, or a snapshot of some kind is. */
export type State = "absent" | Kind

/** What an operation can be asked about: the key or name that it works on, a parent, the name that a commit gives. */
export type Question =
  | "prepare"
  | "view"
  | "mounts"
  | "commit"
  | "remove"
  | "stat"
  | "update"
  | "usage"
  | "parent"
  | "commitAs"

/** A failure, given the name that was asked about, or `undefined`: go on. */
type Answer = ((name: string) => Refusal) | undefined

export type Refusal =
  | KeyTaken
  | NameTaken
  | NotActive
  | NotMountable
  | ParentNotCommitted
  | ParentNotFound
  | SnapshotNotFound

const go = undefined
const notFound = (name: string) => new SnapshotNotFound({ snapshot: called(name) })
const keyTaken = (kind: Kind) => (key: string) => new KeyTaken({ key: Key.make(key), kind })
const nameTaken = (kind: Kind) => (name: string) => new NameTaken({ snapshot: called(name), kind })
const notActive = (kind: Kind) => (key: string) => new NotActive({ key: Key.make(key), kind })
const notCommitted = (kind: Kind) => (parent: string) => new ParentNotCommitted({ parent: Name.make(parent), kind })

const takesKey = { absent: go, active: keyTaken("active"), view: keyTaken("view"), committed: keyTaken("committed") }
const anyKind = { absent: notFound, active: go, view: go, committed: go }

/** state × operation. `remove` of a committed snapshot is further refused while it has children. */
export const transitions = {
  prepare: takesKey,
  view: takesKey,
  mounts: {
    absent: notFound,
    active: go,
    view: go,
    committed: (name: string) => new NotMountable({ snapshot: called(name) })
  },
  commit: { absent: notFound, active: go, view: notActive("view"), committed: notActive("committed") },
  remove: anyKind,
  stat: anyKind,
  update: anyKind,
  usage: anyKind,
  parent: {
    absent: (parent: string) => new ParentNotFound({ parent: Name.make(parent) }),
    active: notCommitted("active"),
    view: notCommitted("view"),
    committed: go
  },
  commitAs: { absent: go, active: nameTaken("active"), view: nameTaken("view"), committed: nameTaken("committed") }
} satisfies Record<Question, Record<State, Answer>>

/** What a question can be answered with, when it is not `go on`. */
export type RefusalOf<Q extends Question> = Q extends Question ? {
    readonly [S in State]: (typeof transitions)[Q][S] extends (name: string) => infer E ? E : never
  }[State]
  : never

/** The failure that the table has for this, or `undefined`: go on. */
export const refusalOf: {
  <Q extends Question>(question: Q, state: State, name: string): RefusalOf<Q> | undefined
} = (question: Question, state: State, name: string) => {
  const answer: Answer = transitions[question][state]
  return answer?.(name) as never
}
