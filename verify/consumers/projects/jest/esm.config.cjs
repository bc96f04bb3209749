module.exports = { testMatch: ['**/esm.test.mjs'], transform: {} };
