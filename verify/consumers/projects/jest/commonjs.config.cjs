module.exports = {
  testMatch: ['**/commonjs.test.js'],
  transform: {
    '\\.[cm]?js$': [
      'babel-jest',
      { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] },
    ],
  },
  // keywrap and what it depends on are ES modules.
  transformIgnorePatterns: ['/node_modules/(?!(\\.pnpm|@keywrap|@noble|lru-cache)/)'],
};
