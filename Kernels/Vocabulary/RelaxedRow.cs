using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <summary>
/// The backward pass of one hard sample: from the gradient with respect to the sample it computes that with respect to the logits. Several threads
/// call it at the same time.
/// </summary>
/// <param name="row">The inputs, and the memory for the result.</param>
public delegate void RowGradient(in RelaxedRow row);

/// <summary>One row of a step of a roll-out: one sequence's logits, the token that was drawn, and the gradient of the sample.</summary>
/// <remarks>
/// C is V rounded up to a multiple of 64. In the columns beyond V logits are minus infinity and gradients zero, so that loops need no remainder.
/// </remarks>
public readonly ref struct RelaxedRow
{
    /// <summary>Rows of scratch memory that a <see cref="RowGradient"/> may use.</summary>
    public const int ScratchRows = 3;

    private readonly Span<float> _scratch;

    /// <summary>A row with scratch memory [<see cref="ScratchRows"/>, C].</summary>
    public RelaxedRow(Span<float> scratch) => _scratch = scratch;

    /// <summary>[C].</summary>
    public ReadOnlySpan<float> Logits { get; init; }

    /// <summary>[C]: the gradient with respect to the sample.</summary>
    public ReadOnlySpan<float> SampleGradient { get; init; }

    /// <summary>[C]: the result, the gradient with respect to the logits; zeros at first.</summary>
    public Span<float> LogitGradient { get; init; }

    /// <summary>The token that was drawn.</summary>
    public int Token { get; init; }

    /// <summary>Above zero.</summary>
    public float Temperature { get; init; }

    /// <summary>Keys further draws, beyond the noise with which the token was drawn.</summary>
    public RandomKey Key { get; init; }

    /// <summary>The number of the row, as <see cref="GumbelNoise"/> counts rows.</summary>
    public ulong Number { get; init; }

    /// <summary>[C]: a row of scratch memory, not cleared.</summary>
    public Span<float> Scratch(int index) => _scratch.Slice(index * Logits.Length, Logits.Length);
}
