import { faultOf } from '../core/cloud-fault.ts'

/** Where an instance could go. */
export interface Placement {
  readonly instanceClass: string
  /** Left out: RDS chooses. */
  readonly zone?: string
}

/** Every class in every zone, classes first: another zone is a smaller change than another class. */
export function placements(
  classes: readonly string[],
  zones: readonly string[],
  multiAz: boolean,
): readonly Placement[] {
  // RDS takes no zone together with Multi-AZ.
  if (zones.length === 0 || multiAz) return classes.map((instanceClass) => ({ instanceClass }))
  return classes.flatMap((instanceClass) => zones.map((zone) => ({ instanceClass, zone })))
}

/** The first that there is room for; the last one's failure where there is none anywhere. */
export async function firstWithRoom(
  choices: readonly Placement[],
  make: (placement: Placement) => Promise<void>,
): Promise<void> {
  for (const [index, choice] of choices.entries()) {
    try {
      await make(choice)
      return
    } catch (thrown) {
      const fault = faultOf(thrown)
      // `invalid`: a class or zone that this region does not offer at all.
      const isOfPlace = fault === 'capacity' || fault === 'quota' || fault === 'invalid'
      if (index === choices.length - 1 || !isOfPlace) throw thrown
    }
  }
}
