// Represents the driver that a reader of the documentation writes.
import type { KeyDescription, KeyState, KeyWrapDriver } from '@keywrap/core';

export declare class MyDriver implements KeyWrapDriver {
  readonly id: string;
  readonly capabilities: KeyWrapDriver['capabilities'];
  encrypt: KeyWrapDriver['encrypt'];
  decrypt: KeyWrapDriver['decrypt'];
  describeKey: KeyWrapDriver['describeKey'];
  createKey(): KeyDescription;
  createAlias(alias: string, keyId: string): void;
  setKeyState(keyId: string, keyState: KeyState): void;
}
