// Where the application lies: a proxy may show it below a path.

export const base = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
