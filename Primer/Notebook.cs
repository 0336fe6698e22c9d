using GumbelGan.Evaluation.Report;
using GumbelGan.Randomness;

namespace GumbelGan.Primer;

/// <summary>The results of a chapter: numbers, and exhibits such as charts. The text of the chapter refers to both by name.</summary>
/// <param name="chapter">The chapter.</param>
/// <param name="key">All of the chapter's randomness is derived from it.</param>
public sealed class Notebook(Chapter chapter, RandomKey key)
{
    private readonly OrderedDictionary<string, double> _numbers = [];
    private readonly OrderedDictionary<string, Exhibit> _exhibits = [];

    /// <summary>The chapter.</summary>
    public Chapter Chapter => chapter;

    /// <summary>All of the chapter's randomness is derived from it.</summary>
    public RandomKey Key => key;

    /// <summary>How long the chapter took, in seconds.</summary>
    public double Seconds { get; internal set; }

    /// <summary>The numbers, in the order in which they were added.</summary>
    public IReadOnlyDictionary<string, double> Numbers => _numbers;

    /// <summary>Charts, tables, pictures and code by name.</summary>
    public IReadOnlyDictionary<string, Exhibit> Exhibits => _exhibits;

    /// <summary>Adds a number.</summary>
    /// <param name="name">A new name, in snake case.</param>
    /// <param name="value">A finite number.</param>
    public void Number(string name, double value) => _numbers.Add(name, value);

    /// <summary>Adds a chart.</summary>
    public void Chart(string name, LineChart chart) => _exhibits.Add(name, new ChartExhibit(chart));

    /// <summary>Adds a table: headings, then rows.</summary>
    public void Table(string name, params string[][] rows) => _exhibits.Add(name, new TableExhibit(rows));

    /// <summary>Adds pictures.</summary>
    public void Pictures(string name, PixelPictures pictures) => _exhibits.Add(name, new PictureExhibit(pictures));

    /// <summary>Adds the source of a file of this project.</summary>
    public void Code(string name, string file) => _exhibits.Add(name, new CodeExhibit(PrimerText.Resource(file)));
}
