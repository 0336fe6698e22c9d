using System.ComponentModel.DataAnnotations;
using TorchSharp.Modules;

namespace GumbelGan.Discriminators;

/// <summary>What discriminators with a <see cref="FilterBank"/> have in common.</summary>
public abstract record FilteringDiscriminatorOptions : DiscriminatorOptions, IValidatableObject
{
    /// <summary>Widths of the filters, in tokens, each once; none wider than the longest sequence.</summary>
    [Range(1, 1000)]
    public IReadOnlyList<int> FilterWidths { get; init; } = [2, 3, 4, 5];

    /// <summary>Filters of each width.</summary>
    [Range(1, 65536)]
    public int Filters { get; init; } = 64;

    /// <inheritdoc/>
    public override string? ProblemWith(int length) => FilterWidths.Max() > length
        ? $"The discriminator has filters of {FilterWidths.Max()} tokens, but the longest sequence has {length}; set discriminator.filter_widths "
            + "to smaller widths."
        : null;

    /// <inheritdoc/>
    public virtual IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (FilterWidths.Count == 0 || FilterWidths.Distinct().Count() < FilterWidths.Count)
        {
            yield return new ValidationResult("must name at least one width, and each once.", [nameof(FilterWidths)]);
        }
    }
}

/// <summary>A discriminator whose features are those of a <see cref="FilterBank"/>.</summary>
public abstract class FilteringDiscriminator : Discriminator
{
    private readonly FilteringDiscriminatorOptions _options;

    /// <summary>As <see cref="Discriminator"/>'s.</summary>
    /// <param name="name">Of the module.</param>
    /// <param name="options">Of the discriminator.</param>
    /// <param name="vocabulary">V.</param>
    /// <param name="paddingId">The id that fills places after the end, or null where there is none.</param>
    /// <param name="width">Numbers a token that the filters see.</param>
    protected FilteringDiscriminator(string name, FilteringDiscriminatorOptions options, int vocabulary, int? paddingId, int width)
        : base(name, options, vocabulary, paddingId) =>
        (_options, Bank) = (options, new FilterBank(width, options.Filters, options.FilterWidths, Matrix));

    /// <summary>The filters; a kind registers them, after its own layers, with <see cref="RegisterFilters"/>.</summary>
    internal FilterBank Bank { get; }

    /// <inheritdoc/>
    public override int MinimumTime => _options.FilterWidths.Max();

    /// <summary>Makes parameters of the filters.</summary>
    protected void RegisterFilters()
    {
        foreach ((string name, Conv1d convolution) in Bank.Convolutions)
        {
            register_module(name, convolution);
        }
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) => Bank.FanIn(parameterName) ?? Bank.Features;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Bank.Dispose();
        }

        base.Dispose(disposing);
    }
}
