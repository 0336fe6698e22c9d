using GumbelGan.Evaluation.Report;
using GumbelGan.Randomness;

namespace GumbelGan.Primer;

/// <summary>What a chapter found: numbers, and exhibits such as charts. Its text refers to both by name.</summary>
/// <param name="chapter">Whose.</param>
/// <param name="key">All of the chapter's randomness is derived from it.</param>
public sealed class Notebook(Chapter chapter, RandomKey key)
{
    private readonly OrderedDictionary<string, double> _numbers = [];
    private readonly OrderedDictionary<string, Exhibit> _exhibits = [];

    /// <summary>Whose notebook it is.</summary>
    public Chapter Chapter => chapter;

    /// <summary>All of the chapter's randomness is derived from it.</summary>
    public RandomKey Key => key;

    /// <summary>How long the chapter took.</summary>
    public double Seconds { get; internal set; }

    /// <summary>The numbers, in the order of their finding.</summary>
    public IReadOnlyDictionary<string, double> Numbers => _numbers;

    /// <summary>Charts, tables, pictures and code by name.</summary>
    public IReadOnlyDictionary<string, Exhibit> Exhibits => _exhibits;

    /// <summary>Writes a number down.</summary>
    /// <param name="name">In snake case; new.</param>
    /// <param name="value">Finite.</param>
    public void Number(string name, double value) => _numbers.Add(name, value);

    /// <summary>Puts a chart into the notebook.</summary>
    public void Chart(string name, LineChart chart) => _exhibits.Add(name, new ChartExhibit(chart));

    /// <summary>Puts a table into the notebook: headings, then rows.</summary>
    public void Table(string name, params string[][] rows) => _exhibits.Add(name, new TableExhibit(rows));

    /// <summary>Puts pictures into the notebook.</summary>
    public void Pictures(string name, PixelPictures pictures) => _exhibits.Add(name, new PictureExhibit(pictures));

    /// <summary>Puts the source text of a class of this room into the notebook.</summary>
    public void Code(string name, string file) => _exhibits.Add(name, new CodeExhibit(PrimerText.Resource(file)));
}
