import type { Tags } from '../runbooks/ports.ts'

interface Tag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

export function tagsOf(list: readonly Tag[] | undefined): Tags {
  return Object.fromEntries(
    (list ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])),
  )
}
