declare module 'ssh2/lib/protocol/utils.js' {
  const utils: {
    convertSignature(signature: Buffer, keyType: string): Buffer | false | undefined
    sendPacket(protocol: unknown, packet: Buffer): boolean
  }
  export default utils
}
