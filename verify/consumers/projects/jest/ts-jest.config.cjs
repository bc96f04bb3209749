module.exports = {
  testMatch: ['**/typescript.test.ts'],
  transform: { '\\.[cm]?[jt]s$': 'ts-jest' },
  // keywrap and what it depends on are ES modules.
  transformIgnorePatterns: ['/node_modules/(?!(\\.pnpm|@keywrap|@noble|lru-cache)/)'],
};
