/** The page is as high as what can be seen of it: an on-screen keyboard takes its part. */

export function followViewport(): void {
  const viewport = window.visualViewport;
  if (viewport === null) return;
  const follow = () => {
    const root = document.documentElement;
    root.style.setProperty("--seen-height", `${viewport.height}px`);
    root.style.setProperty("--seen-top", `${viewport.offsetTop}px`);
  };
  follow();
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
}
