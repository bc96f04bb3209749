import { KeyNames, KeyNotFoundError, parseKeyId, readAliases } from '@keywrap/core';
import { expect } from 'chai';
import { expectThrown } from './support/failures.js';

describe('KeyNames', () => {
  const names = new KeyNames({
    scope: { partition: 'mine', region: 'here', account: 'hsm' },
    aliases: readAliases({ 'alias/orders': 'orders-2026' }, () => true),
    isName: () => true,
  });
  const nameOf = (text: string) => names.nameOf(parseKeyId(text));

  it('finds the key of an alias, by its name and its ARN', () => {
    expect(nameOf('alias/orders')).to.equal('orders-2026');
    expect(nameOf('arn:mine:kms:here:hsm:alias/orders')).to.equal('orders-2026');
  });

  it('says which alias the option does not define (KEY_NOT_FOUND)', () => {
    for (const text of ['alias/invoices', 'arn:mine:kms:here:hsm:alias/invoices']) {
      const error = expectThrown(() => nameOf(text), KeyNotFoundError);
      expect(error.message).to.include('the option aliases does not define alias/invoices');
    }
  });

  it('rejects the alias of another backend (KEY_NOT_FOUND)', () => {
    expectThrown(() => nameOf('arn:mine:kms:there:hsm:alias/orders'), KeyNotFoundError);
  });
});
