import { styleText } from 'node:util';

const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;
let steps = 0;

/** Begins a step. */
export function heading(text: string): void {
  steps += 1;
  console.log(style('bold', `${steps}. ${text}`));
}

/** Says what is done. */
export function did(text: string): void {
  console.log(`   ${text}`);
}

/** Says what came back. */
export function came(text: string): void {
  console.log(style('green', `   -> ${text}`));
}

/** Says what was rejected, and why. */
export function failed(text: string): void {
  console.log(style('red', `   -> ${text}`));
}

/** The beginning of something long. */
export function short(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 6)).toString('hex');
  return `${bytes.length} bytes (${start}...)`;
}

function style(format: Parameters<typeof styleText>[0], text: string): string {
  return colours ? styleText(format, text) : text;
}
