import { faultOf } from '../core/cloud-fault.ts'

/** Undefined where the thing that is looked at is not there; every other failure stays one. */
export async function ifThere<Found>(look: Promise<Found>): Promise<Found | undefined> {
  try {
    return await look
  } catch (thrown) {
    if (faultOf(thrown) === 'not-found') return undefined
    throw thrown
  }
}
