// node report.test.mjs CHROMIUM REPORT.html [FOLDER-FOR-PICTURES]: opens the report as a desktop and as a phone in dark mode and prints what
// happened as JSON: charts, how many of them have paint on them, console errors, requests beyond the page itself, sideways overflow.
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [, , executablePath, report, pictures] = process.argv;
const views = {
  "desktop-light": { viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  "phone-dark": { viewport: { width: 375, height: 800 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" },
};
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const result = {};
try {
  for (const [name, view] of Object.entries(views)) {
    const context = await browser.newContext(view);
    const page = await context.newPage();
    const errors = [];
    const requests = [];
    const address = pathToFileURL(report).href;
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) errors.push(message.text()); });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => { errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url()); });
    await page.goto(address);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const measured = await page.evaluate(() => {
      // Axis ticks and grid have other colours, so a method's own colour on the canvas means that its line was drawn.
      const rgb = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
      const methods = [0, 1, 2].map((index) => rgb(`--method-${index}`));
      const drawn = (canvas) => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return methods.every(([red, green, blue]) => {
          let count = 0;
          for (let at = 0; at < pixels.length; at += 4) {
            // Anti-aliasing leaves few pixels of a slanted line with exactly its colour.
            const distance = Math.abs(pixels[at] - red) + Math.abs(pixels[at + 1] - green) + Math.abs(pixels[at + 2] - blue);
            if (pixels[at + 3] > 200 && distance < 24) count++;
          }
          return count > 30;
        });
      };
      const canvases = [...document.querySelectorAll(".charts canvas")];
      return {
        charts: canvases.length,
        painted: canvases.filter(drawn).length,
        overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        ground: getComputedStyle(document.body).backgroundColor,
      };
    });
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    // Changing the scheme draws everything anew.
    await page.emulateMedia({ colorScheme: view.colorScheme === "dark" ? "light" : "dark" });
    await page.waitForFunction((charts) => document.querySelectorAll(".charts canvas").length === charts, measured.charts);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-switched.png`), fullPage: true });
    result[name] = { ...measured, errors, requests };
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(result, null, 2));
