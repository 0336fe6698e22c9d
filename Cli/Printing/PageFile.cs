using GumbelGan.Evaluation.Report;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Printing;

/// <summary>An HTML page that a command writes beside what it prints.</summary>
internal static class PageFile
{
    /// <summary>Writes the page, and says on standard error where it is.</summary>
    /// <param name="file">Where.</param>
    /// <param name="name">What it is called: report, page.</param>
    /// <param name="render">Makes it, with the library that draws charts if that is installed.</param>
    /// <param name="surroundings">Standard error.</param>
    public static void Write(string file, string name, Func<ChartLibrary?, string> render, Surroundings surroundings)
    {
        ChartLibrary? charts = ChartLibrary.Find(AppContext.BaseDirectory, Directory.GetCurrentDirectory());
        AtomicFile.WriteAllText(file, render(charts));
        surroundings.Error.WriteLine(charts is null ? $"The {name} is {file}. {ChartLibrary.HowToGet}" : $"The {name} is {file}.");
    }
}
