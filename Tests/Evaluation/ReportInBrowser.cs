using System.Diagnostics;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Report;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

/// <summary>Opens a page with report.test.mjs in a headless Chromium, as a desktop and as a phone; skips the test where a part is absent.</summary>
internal static class ReportInBrowser
{
    /// <summary>What the browser saw, by view.</summary>
    /// <param name="render">Makes the page.</param>
    /// <param name="folder">Where it may be written.</param>
    public static async Task<JsonNode> Look(Func<ChartLibrary, string> render, string folder)
    {
        ChartLibrary? charts = ChartLibrary.Find(AppContext.BaseDirectory);
        string? root = AppContext.BaseDirectory;
        while (root is not null && !Directory.Exists(Path.Combine(root, "node_modules", "playwright-core")))
        {
            root = Path.GetDirectoryName(root);
        }

        Assert.SkipWhen(charts is null || root is null, "uPlot or playwright-core is absent: run scripts/charts.sh --test.");
        string? chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "Chromium is absent.");
        string report = Path.Combine(folder, "report.html"), script = Path.Combine(root!, "Tests", "Evaluation", "report.test.mjs");
        await File.WriteAllTextAsync(report, render(charts!), TestContext.Current.CancellationToken);
        using Process process = Process.Start(new ProcessStartInfo("node", [script, chromium!, report, .. Pictures()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = root,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await errors);
        return JsonNode.Parse(output)!;
    }

    // A folder for screenshots, to look at: GUMBELGAN_SCREENSHOTS=/tmp/x.
    private static string[] Pictures() => Environment.GetEnvironmentVariable("GUMBELGAN_SCREENSHOTS") is { Length: > 0 } folder ? [folder] : [];
}
