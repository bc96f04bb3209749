/** A field of what a caller passed, without running anything of the caller's; undefined for what is not plain. */
export function ownValue(holder: unknown, name: string): unknown {
  try {
    return Object.getOwnPropertyDescriptor(Object(holder), name)?.value;
  } catch {
    return undefined;
  }
}

/** One turn of the event loop: an answer arrives. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
