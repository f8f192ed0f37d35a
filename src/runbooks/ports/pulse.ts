/** Services that a way out rests on without calling them itself: whether they answer in a region. */
export interface PulsePort {
  /** Lists at most one bucket, for the answer's sake. */
  s3(region: string, signal: AbortSignal): Promise<void>
  sts(region: string, signal: AbortSignal): Promise<{ readonly account: string }>
}
